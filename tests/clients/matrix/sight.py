"""What a user sees of a program: that it ended well and what it printed, or how it complained; and how long it took."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Run:
    """A program that has ended, or that was ended because it did not."""

    code: int | None
    output: str
    seconds: float


@dataclass(frozen=True)
class Succeeds:
    """Ends well, and prints this."""

    printing: str
    within: float = 60

    def fault(self, run: Run) -> str | None:
        if run.code != 0:
            return "failed"
        return _missing(run, self.printing) or _late(run, self.within)


@dataclass(frozen=True)
class Fails:
    """Ends badly, naming this exception or status, with words that a person can act on."""

    naming: str
    saying: str = ""
    within: float = 60

    def unless_said(self, saying: str) -> "Fails":
        """With these words, if there are none yet."""
        return self if self.saying else replace(self, saying=saying)

    def fault(self, run: Run) -> str | None:
        if run.code == 0:
            return "did not fail"
        return _missing(run, self.naming) or _missing(run, self.saying) or _late(run, self.within)


def _missing(run: Run, wanted: str) -> str | None:
    return None if wanted in run.output else f"does not say {wanted!r}"


def _late(run: Run, within: float) -> str | None:
    """However much else the machine has to do."""
    return None if run.code is not None and run.seconds < within else f"took longer than {within} s"
