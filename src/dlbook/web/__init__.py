"""The pages of the web book that are generated: from the curriculum, the records and the notebooks.

Nothing here knows Sphinx: ``book/extension.py`` does what has to happen inside it, and
``dlbook.commands.book`` puts the two together.
"""
