from tests.taxi.service.conftest import postgresql, postgresql_server

__all__ = ["postgresql", "postgresql_server"]
