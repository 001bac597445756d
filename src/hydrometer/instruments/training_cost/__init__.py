"""Was the published training bill possible, and what does it leave out? And what does a training take?"""
