"""lakegate beside other proxies: CPU time per request of each, in one run on one machine."""
