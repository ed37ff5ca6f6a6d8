"""Whether a voucher is good for an order, and what may be done to the redemption later."""
