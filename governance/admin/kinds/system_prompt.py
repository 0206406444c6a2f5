from django.contrib import admin

from governance.admin.drafts import TextAdmin
from governance.admin.look import Look
from governance.registry.proxies import SystemPrompt


@admin.register(SystemPrompt)
class SystemPromptAdmin(TextAdmin):
    kind = "system-prompt"
    look = Look(order=("text", "language", "channel", "placeholders"), tall=frozenset({"text"}))
