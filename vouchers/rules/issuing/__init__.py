"""Who gets which vouchers when there are not enough for all; the printed code."""
