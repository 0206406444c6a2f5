from tests.evidence.conftest import world

__all__ = ["world"]
