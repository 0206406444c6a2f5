"""The real runner without its look at the machine, which imports torch and would add seconds to each fake job."""

import sys
from types import ModuleType

from training.runner.__main__ import main

environment = ModuleType("training.runner.environment")
environment.describe = lambda: {"packages": {}}
sys.modules[environment.__name__] = environment

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
