"""The report: one week of a lake as HTML pages without external files, for all users, for one user, and for engineers.

`report_data` reads rows and manifests, `shown_columns` selects columns, `cohort_page`, `user_page` and `technical_page` give the
templates rows and charts, `html_page` fills them in. Only this package draws; neither the job nor AWS imports it.
"""
