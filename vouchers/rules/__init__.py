"""Every decision, pure: frozen facts in, a value or a `Refusal` out. One name per capability."""
