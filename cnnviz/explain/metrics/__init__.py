"""How far a heat map can be trusted: faithfulness, sanity checks, localization."""
