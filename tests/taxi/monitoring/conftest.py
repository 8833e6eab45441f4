from tests.taxi.service.conftest import postgresql

__all__ = ["postgresql"]
