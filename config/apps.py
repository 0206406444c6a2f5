from django.apps import AppConfig
from django.core import checks


class ConfigConfig(AppConfig):
    name = "config"
    label = "config"

    def ready(self) -> None:
        from config.checks import check_cache_is_private, check_cache_is_shared

        checks.register(check_cache_is_shared, checks.Tags.caches)
        checks.register(check_cache_is_private, checks.Tags.caches)
