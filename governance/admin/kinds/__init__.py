"""The kinds of text that people edit, one file each. A new one is a copied neighbour and one line here."""

from governance.admin.kinds import card_text, constitution, guideline, policy, system_prompt

__all__ = ["card_text", "constitution", "guideline", "policy", "system_prompt"]
