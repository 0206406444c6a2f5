"""A job that says that it has begun, has a child, and sleeps."""

import os
import subprocess
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (folder / "child").write_text(str(child.pid))
    (folder / "begun").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    time.sleep(60)
