"""Tables of the till: redemptions, requests, order claims, refunds."""
