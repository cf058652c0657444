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


def look(processes):
    """How often each thread has come to run and has left, or nothing where one may
    run."""
    threads = {}
    for process in processes:
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/status") as file:
                    lines = [line.partition(":") for line in file]
                said = {name: value.strip() for name, _, value in lines}
                if said["State"][0] not in STILL:
                    return None
                counts = (value for name, value in said.items() if name.endswith("_switches"))
                threads[process, thread] = tuple(counts)
        except OSError:
            # It has ended.
            pass
    return threads


def freeze(of):
    """Whether all below a process stands still. What is born while it is looked for
    is found when one looks again, and so is what ran meanwhile: of processes that wake
    each other in turn each look may find all stopped. Two looks in turn must see the
    same, and between them nothing ran."""
    end = time.monotonic() + SETTLING
    known = None
    while time.monotonic() < end:
        found = set(descendants(of))
        signal_all(found, signal.SIGSTOP)
        if found == known:
            first = look(found)
            if first is not None and first == look(descendants(of)):
                return True
            select.select([], [], [], 0.0005)
        known = found
    return False


def thaw(of):
    signal_all(descendants(of), signal.SIGCONT)
