"""What the shop talks to: a payment gateway, a warehouse, an order book and a mailer, as doubles in memory.

Each keeps what happened to it, for asserts, and books with ``effect(...)`` what a customer or a shelf would notice.
``reset()`` gives all of them a fresh start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tasker_testkit import effect

DECLINED_TOKENS = {"tok_declined": "insufficient funds"}


class CardDeclined(Exception):
    """The bank said no. Asking again doesn't help."""


class Unavailable(Exception):
    """The other side didn't answer. Asking again may help."""


class OutOfStock(Exception):
    """The warehouse has fewer than were asked for."""


@dataclass
class PaymentGateway:
    """Charges cards. A key seen before gives the first charge back instead of a second one, as real gateways do."""

    charges: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def will_fail(self, times: int = 1) -> None:
        """The next calls are answered with Unavailable."""
        self.failures += [Unavailable("gateway timed out")] * times

    def charge(self, token: str, amount: float, key: str | None = None) -> dict[str, Any]:
        if self.failures:
            raise self.failures.pop(0)
        if token in DECLINED_TOKENS:
            raise CardDeclined(DECLINED_TOKENS[token])
        known = [charge for charge in self.charges if key is not None and charge["key"] == key]
        if not known:
            effect("charge", key=key, amount=amount)
            self.charges.append({"payment_id": f"pay_{len(self.charges) + 1}", "amount": amount, "key": key})
        return known[0] if known else self.charges[-1]


@dataclass
class Warehouse:
    """Reserves stock, once for each order."""

    stock: dict[str, int] = field(default_factory=dict)
    reservations: dict[str, dict[str, int]] = field(default_factory=dict)

    def reserve(self, order: str, quantities: dict[str, int]) -> str:
        for sku, quantity in quantities.items():
            if quantity > self.stock.get(sku, quantity):
                raise OutOfStock(f"{sku}: {self.stock[sku]} left, {quantity} ordered")
        if order not in self.reservations:
            effect("reserve", key=order, quantities=quantities)
            self.reservations[order] = quantities
            for sku in quantities.keys() & self.stock.keys():
                self.stock[sku] -= quantities[sku]
        return f"log_{order}"


@dataclass
class Mailer:
    """Sends mail, or keeps it from being sent."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    down: bool = False

    def send(self, to: str, subject: str) -> str:
        if self.down:
            raise Unavailable("mail server refused the connection")
        effect("mail", to=to, subject=subject)
        self.sent.append({"to": to, "subject": subject})
        return f"msg_{len(self.sent)}"


payments = PaymentGateway()
warehouse = Warehouse()
orders: dict[str, dict[str, Any]] = {}
mailer = Mailer()


def reset() -> None:
    """As if nothing had ever been charged, reserved, ordered or sent."""
    vars(payments).update(vars(PaymentGateway()))
    vars(warehouse).update(vars(Warehouse()))
    vars(mailer).update(vars(Mailer()))
    orders.clear()
