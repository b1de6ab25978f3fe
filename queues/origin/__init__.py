"""The swap of the origin of a Redis instance: another of its servers becomes the one that clients
write to.

The state of a swap is the state of the servers, and is kept nowhere else: whoever is killed in the
middle is followed by somebody who looks again and does what is left to do.
"""


class Refused(Exception):
    """The swap cannot go on; each argument is a reason."""
