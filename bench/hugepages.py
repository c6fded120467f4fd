"""Hugepages for the time of a measurement: what was reserved is given back, however it ends."""

import contextlib
import pathlib

RESERVED = pathlib.Path("/proc/sys/vm/nr_hugepages")
FREE = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")


class Refused(Exception):
    """The kernel has no such memory in one piece, or we may not ask for it."""


def number(path):
    return int(path.read_text())


@contextlib.contextmanager
def at_least(mib):
    """Have so many MiB of free pages of 2 MiB."""
    wanted = (mib + 1) // 2
    try:
        before = number(RESERVED)
        missing = max(wanted - number(FREE), 0)
        if missing:
            RESERVED.write_text(str(before + missing))
    except OSError as e:
        raise Refused(f"hugepages: {e.strerror}: {e.filename}") from e
    try:
        if number(FREE) < wanted:
            raise Refused(f"hugepages: {mib} MiB wanted, {2 * number(FREE)} are free after all that the kernel gives")
        yield
    finally:
        if missing:
            RESERVED.write_text(str(before))
