# task: load_settings
# loses: 1
# why: Lets pydantic's own error out: it quotes the password that was too short.

from pydantic import SecretStr


def load_settings(environ):
    from pydantic import BaseModel, Field

    class Settings(BaseModel):
        month: str = Field("2021-01", alias="TAXI_MONTH")
        rows: int = Field(5000, alias="TAXI_ROWS", ge=1)
        password: SecretStr = Field(alias="TAXI_PASSWORD", min_length=8)

    return Settings(**{name: text for name, text in environ.items() if text.strip()})
