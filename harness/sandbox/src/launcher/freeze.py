"""Holds a program with all that it started, and lets it go on: nothing of it runs in
between."""
import os
import select
import signal
import time

# Seconds that all of it may take to stand still.
SETTLING = 2.0
# What runs no instruction of its own: stopped, ended, or in a call of the kernel that
# no signal ends, after which it stops.
STILL = frozenset("TtZXxD")


def signal_all(processes, number):
    for process in processes:
        try:
            os.kill(process, number)
        except OSError:
            # It has ended.
            pass


def is_still(process):
    try:
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/stat") as file:
                # The name before it may have any sign in it.
                if file.read().rpartition(")")[2].split()[0] not in STILL:
                    return False
    except OSError:
        # It has ended.
        pass
    return True


def freeze(of):
    """Whether all below a process stands still. What is born while it is looked for
    is found when one looks again: two looks in turn must see the same."""
    end = time.monotonic() + SETTLING
    known = None
    while time.monotonic() < end:
        found = set(descendants(of))
        signal_all(found, signal.SIGSTOP)
        if found == known and all(is_still(process) for process in found):
            if set(descendants(of)) == found:
                return True
        if found == known:
            select.select([], [], [], 0.0005)
        known = found
    return False


def thaw(of):
    signal_all(descendants(of), signal.SIGCONT)
