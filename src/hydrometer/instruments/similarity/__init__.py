"""Response similarity: how alike do two models answer the same prompts?"""
