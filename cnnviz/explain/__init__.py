"""Why a network answers what it answers, and how firmly. Networks are given as callables; nothing here trains."""
