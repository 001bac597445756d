"""Similarity: how alike two models answer, beside a ceiling and a null population."""
