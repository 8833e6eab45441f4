"""The workbook as a static reading site: ``course site``, by Sphinx, from the notebooks that are already built.

`contents` says which pages there are, `sources` writes them as Sphinx reads them, `extension` teaches Sphinx
what only this course has, `settings` configures it, `build` runs it, and `checks` looks whether every link of the
built pages leads somewhere and every figure says what it shows.
"""
