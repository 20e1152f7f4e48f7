"""Test the pages."""

from django.test import SimpleTestCase, override_settings

PLAIN = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


# Static files are not collected for tests.
@override_settings(STORAGES=PLAIN)
class PagesTest(SimpleTestCase):
    """Request pages."""

    def test_the_home_page_has_a_title(self) -> None:
        """The home page shows the name of the site."""
        self.assertContains(self.client.get("/"), "<h1>My site</h1>")
