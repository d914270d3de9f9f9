"""The report: one week of a lake as one HTML page without external files, for a cohort or for one user.

`report_data` reads rows and manifests, `shown_columns` selects columns, `cohort_page` and `user_page` give the templates of both
pages rows and charts, `html_page` fills them in. Only this package draws; neither the job nor AWS imports it.
"""
