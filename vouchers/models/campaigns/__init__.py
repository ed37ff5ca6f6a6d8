"""Tables of campaigns: what they promise, who approved it, what was proposed since."""
