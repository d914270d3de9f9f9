"""The report: one week of a lake as one HTML page without external files, for a cohort or for one user.

`report_data` reads rows and manifests, `shown_columns` selects columns, `cohort_page` and `user_page` make blocks of text, tables
and charts of them, `html_page` writes the HTML. Only this package draws; neither the job nor AWS imports it.
"""
