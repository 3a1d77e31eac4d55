"""Names that people give to the same thing, for hints about names that a schema does not have."""

from __future__ import annotations

import re
from collections.abc import Iterable

from segmentkit._diagnostics.diagnostic import suggest

_GROUPS = (
    ("email", "mail", "email_address", "mail_address"),
    ("phone", "telephone", "mobile", "phone_number", "tel"),
    ("name", "full_name", "customer_name", "imię", "імя", "имя", "nom", "nombre"),
    ("first_name", "given_name", "forename"),
    ("last_name", "surname", "family_name"),
    ("city", "town", "municipality", "miasto", "місто", "город", "stadt", "ville", "ciudad", "by"),
    ("country", "nation", "country_code", "land", "kraj", "країна", "страна", "pays", "país"),
    ("zip", "zip_code", "postcode", "postal_code"),
    ("birth_date", "birthday", "birthdate", "dob", "date_of_birth", "born", "birth_day"),
    ("age", "years_old", "wiek", "вік", "возраст", "alter", "edad", "âge"),
    ("gender", "sex"),
    ("signed_up", "signup", "signup_date", "sign_up_date", "signed_up_at", "created",
     "created_at", "creation_date", "created_on", "date_created", "registered", "registered_at",
     "registration_date", "joined", "joined_at", "join_date", "member_since"),
    ("last_login", "last_seen", "last_active", "last_activity", "last_sign_in", "last_login_at",
     "last_seen_at", "logged_in"),
    ("status", "state", "статус", "stan", "estado"),
    ("plan", "tier", "subscription", "package", "pricing_plan"),
    ("tags", "labels", "tag", "label"),
    ("amount", "price", "total", "value", "revenue", "cost", "spend", "order_value",
     "total_amount", "order_total", "kwota", "сума", "сумма", "betrag", "montant", "importe"),
    ("quantity", "qty", "pieces", "units"),
    ("product", "item", "article", "sku", "product_name"),
    ("category", "department", "product_category"),
    ("page", "url", "path", "page_path", "page_url"),
    ("rating", "stars", "review_score"),
    ("points", "score"),
    ("orders", "purchases", "transactions", "sales", "buys", "bought", "purchased", "purchase",
     "order_items", "zamówienia", "замовлення", "заказы", "bestellungen", "commandes", "pedidos"),
    ("visits", "sessions", "pageviews", "page_views", "wizyty", "візити", "визиты", "besuche"),
    ("tickets", "issues", "support_tickets", "complaints"),
    ("events", "actions", "activities"),
    ("company", "organization", "organisation", "employer", "firm"),
    ("newsletter", "subscribed", "newsletter_subscribed", "opted_in", "newsletter_opt_in"),
    ("vip", "is_vip", "vip_customer"),
)  # fmt: skip


def synonym(word: str, known: Iterable[str]) -> str | None:
    """The one known name that is another word for the same, if nothing is written nearly so."""
    known = list(known)
    if suggest(word, known, cutoff=0.8) is not None:
        return None
    plain = _plain(word)
    found = {
        name
        for group in _GROUPS
        if any(_plain(each) == plain for each in group)
        for name in known
        if any(_plain(each) == _plain(name) for each in group)
    }
    return found.pop() if len(found) == 1 else None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()
