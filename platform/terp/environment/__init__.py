"""One environment, read once from its stack file, validated and frozen: models, rules, schema."""
