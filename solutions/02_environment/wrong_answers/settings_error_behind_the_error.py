# task: load_settings
# loses: 1
# why: Raises its own clean error inside the except block, so Python prints the leaking one behind it.

from pydantic import SecretStr


def load_settings(environ):
    from pydantic import BaseModel, Field, ValidationError

    class Settings(BaseModel):
        month: str = Field("2021-01", alias="TAXI_MONTH")
        rows: int = Field(5000, alias="TAXI_ROWS", ge=1)
        password: SecretStr = Field(alias="TAXI_PASSWORD", min_length=8)

    try:
        return Settings(**{name: text for name, text in environ.items() if text.strip()})
    except ValidationError as error:
        names = [str(problem["loc"][0]) for problem in error.errors()]
        raise ValueError(f"wrong or missing: {', '.join(names)}")  # noqa: B904
