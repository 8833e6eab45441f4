"""Training on more rides than memory holds: months are cut into slices on disk, trees are grown slice by slice.

``slices``    one month → rides in random order, in slices, and what the means of zone pairs need
``means``     the usual minutes of a zone pair, from counts that can be added up
``trees``     boosted trees that are shown another part of the rides every few trees
``training``  years of months → a model, its score, and a model of a sample beside it
"""
