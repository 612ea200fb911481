#!/usr/bin/env python3
"""Runs a command and says, on the last line of stderr, how many bytes of memory it took at most.

    peak.py COMMAND [ARGUMENT...]

Exit status: that of the command.
"""

import resource
import subprocess
import sys

status = subprocess.run(sys.argv[1:], check=False).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, file=sys.stderr)
sys.exit(status)
