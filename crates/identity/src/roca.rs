//! RSA keys of one family of chips can be factored (CVE-2017-15361, Nemec et al., "The Return of
//! Coppersmith's Attack", 2017). Their primes have the form `k * M + (65537^a mod M)`, where `M` is the
//! product of the first primes, so that the modulus is a power of 65537 modulo each of those.

/// The odd primes up to 167, which the authors' own test uses. All of these fit a random modulus with a
/// probability below 2^-27.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether the big-endian `modulus` bears the fingerprint.
pub(crate) fn is_weak(modulus: &[u8]) -> bool {
    PRIMES
        .iter()
        .all(|&prime| is_power_of_65537(remainder(modulus, prime), prime))
}

fn remainder(modulus: &[u8], prime: u32) -> u32 {
    modulus
        .iter()
        .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

fn is_power_of_65537(residue: u32, prime: u32) -> bool {
    let powers = std::iter::successors(Some(1), |power| Some(power * 65537 % prime));
    powers.take(prime as usize).any(|power| power == residue)
}
