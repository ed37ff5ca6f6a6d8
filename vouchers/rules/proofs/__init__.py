"""What an audit finds, how the journal is sealed, how a pack and a sample are made."""
