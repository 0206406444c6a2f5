"""What is recorded about releases beside their versions."""

from governance.releases.models.drift import DriftAlarm, RuntimeReport
from governance.releases.models.emergency import Emergency
from governance.releases.models.gates import GateReport
from governance.releases.models.serving import Runtime, ServingPeriod
from governance.releases.models.waivers import Waiver

__all__ = ["DriftAlarm", "Emergency", "GateReport", "Runtime", "RuntimeReport", "ServingPeriod", "Waiver"]
