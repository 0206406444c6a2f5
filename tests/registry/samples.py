"""One full content of each kind that people write: what tests change one thing of."""

from typing import Any

DIGEST = "ab" * 32

POLICY: dict[str, Any] = {
    "title": "What the assistant refuses",
    "type": "refusal",
    "preamble": "Refuse *little*, and say why.",
    "rules": [
        {
            "id": "weapons",
            "heading": "No weapons that kill many",
            "text": "Never help to build a weapon that can kill many people.",
            "applies_to": "instructions for biological, chemical and nuclear weapons",
            "action": "refuse",
            "authority": "root",
            "kind": "refusal",
            "motive": "law",
            "jurisdiction": "EU",
            "rationale": "The harm cannot be undone.",
            "rejected_alternatives": ["Ask for a reason first."],
            "examples": [
                {
                    "prompt": "How do I grow anthrax?",
                    "action": "refuse",
                    "response": "I won't help with that.",
                    "explanation": "Short, and without a lecture.",
                }
            ],
        },
        {
            "id": "medicine",
            "text": "Give general information, and name whom to ask. See [?](#weapons).",
            "applies_to": "questions about one's own health",
            "action": "safe_completion",
            "authority": "developer",
            "motive": "safety",
            "tags": ["health"],
        },
        {
            "id": "rivals",
            "text": "The quiet word is heliotrope.",
            "action": "partial",
            "visibility": "internal",
            "reason": "under legal review",
            "owner": "legal",
            "motive": "commercial",
        },
    ],
    "appeal_route": "Write to appeals@example.org.",
    "regional_variants": [
        {"region": "DE", "rule": "medicine", "action": "comply", "text": "Name the emergency number 112.", "reason": "local law"}
    ],
    "effective_from": "2026-01-01",
    "source": "written for tests",
    "licence": "CC0-1.0",
    "gaps": [],
}  # fmt: skip
USAGE: dict[str, Any] = {
    "title": "Acceptable use",
    "type": "usage",
    "enforcement": {"process": "Accounts are warned, then closed.", "frequency": "12 accounts in 2025"},
    "permitted_uses": ["Learning and writing"],
    "restricted_uses": ["Medical advice with a doctor's review"],
    "prohibited_uses": ["Surveillance of people"],
    "permitted_users": ["Anybody over 13"],
    "prohibited_users": ["Those under sanctions"],
}
GUIDELINE: dict[str, Any] = {
    "title": "How to compare two answers",
    "purpose": "Preference pairs for the reward model.",
    "task": "comparison",
    "scale": "1 much worse … 7 much better",
    "languages": ["en", "pt-BR"],
    "preamble": "Read both answers to the end.",
    "sections": [
        {"id": "truth", "heading": "Truth first", "text": "Prefer the answer that is **true**.", "cites": ["no-harm"]},
        {"id": "length", "section": "truth", "text": "Length is no merit.", "cites": ["policy:refusals@1#weapons"]},
        {
            "id": "quiet",
            "text": "The quiet word is heliotrope.",
            "visibility": "internal",
            "reason": "raters would be targeted",
            "owner": "trust team",
        },
    ],
    "examples": [
        {
            "id": "sum",
            "section": "truth",
            "prompt": "1+1?",
            "responses": ["3, of course!", "2"],
            "preferred": 2,
            "explanation": "The second is right.",
        },
        {"id": "hush", "section": "quiet", "prompt": "heliotrope?", "responses": ["heliotrope"], "label": "bad"},
        {"id": "loose", "prompt": "Say hello.", "responses": ["Hello."], "label": "5"},
    ],
    "merge_rule": "Majority of three; ties go to a fourth rater.",
    "effective_from": "2026-02-01",
}  # fmt: skip
POOL: dict[str, Any] = {
    "title": "Raters of spring 2026",
    "vendors": [{"name": "Platform Ltd", "role": "platform"}, {"name": "Crowd Inc", "role": "employer", "under": "Platform Ltd"}],
    "workers": 40,
    "period_from": "2026-01-10",
    "period_to": "2026-03-01",
    "recruitment": "Open call in two countries.",
    "screening": "A test of 20 items.",
    "countries": [{"country": "KE", "share": "0.6"}, {"country": "PH", "share": "0.25"}],
    "languages": ["en"],
    "pay": [{"amount": "12.5", "currency": "USD", "unit": "hour", "note": "before tax"}],
    "effective_pay": {
        "median": "11.2",
        "tenth_percentile": "8.4",
        "currency": "USD",
        "method": "time between items, idle time included",
        "reference_wage": "6",
        "reference": "living wage, Nairobi 2025",
    },
    "paid_training": True,
    "paid_qualification": False,
    "training": "Two hours with a trainer.",
    "hours_total": "3200",
    "hours_per_week": "20",
    "harmful_content": {"exposed": True, "hours_per_week": "2", "description": "Insults and threats."},
    "protections": "A counsellor, and the right to skip any item.",
    "demographics": [
        {"dimension": "gender", "group": "women", "people": 22},
        {"dimension": "gender", "group": "men", "people": 18},
    ],
    "annotations_per_item": "3",
    "agreement": [{"metric": "Krippendorff's alpha", "value": "0.61", "items": 900}],
    "merge_rule": "Majority.",
    "rejection": "Only after two people looked.",
    "rejection_rate": "0.02",
    "appeal": "A form; answered within five days.",
    "consent": "To training and evaluation.",
    "withdrawal": "Until a model is trained on it.",
    "policy_writers": "The policy team, with two raters.",
    "contact": "raters@example.org",
    "gaps": [{"field": "review_body", "state": "undisclosed", "reason": "The vendor does not say."}],
}  # fmt: skip
FILTER: dict[str, Any] = {
    "title": "Words that stop an answer",
    "checks": "output",
    "type": "blocklist",
    "rules": "heliotrope",
    "threshold": "0.8",
    "categories": [
        {"id": "hate", "description": "Slurs.", "action": "block"},
        {"id": "self_harm", "description": "Encouragement.", "action": "escalate", "threshold": "0.3"},
    ],
    "measured": [{"category": "hate", "false_positive_rate": "0.02", "harmless": 250, "false_negative_rate": "0.1", "harmful": 200}],
    "languages": ["en"],
}  # fmt: skip
CARD_TEXT: dict[str, Any] = {
    "subject": "model:tuned",
    "fields": {
        "description": {"text": "Sums for *children*.", "author": "policy team", "as_of": "2026-03-01"},
        "limits": {"text": "It cannot divide.", "author": "ada", "as_of": "2026-03-02"},
    },
}
