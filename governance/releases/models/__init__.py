"""What is recorded about releases beside their versions."""

from governance.releases.models.gates import GateReport

__all__ = ["GateReport"]
