"""Runs a command, and prints its seconds, its peak memory in bytes and the last line of its output, each on a line.

    python cold.py COMMAND...
"""

import resource
import subprocess
import sys
import time

start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
seconds = time.perf_counter() - start
if done.returncode:
    sys.exit(done.stdout.decode(errors="replace")[-2000:])
print(seconds)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
print(done.stdout.decode(errors="replace").strip().rpartition("\n")[2])
