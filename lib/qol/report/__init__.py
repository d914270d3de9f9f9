"""The report: one week of a lake as one HTML page that needs nothing else, for a cohort or for one person.

`read` takes rows and manifests out of the lake, `choose` says which columns are shown, `cohort` and `person` turn them into
blocks of words, tables and charts, `page` writes the HTML. Only this package draws; neither the job nor AWS imports it.
"""
