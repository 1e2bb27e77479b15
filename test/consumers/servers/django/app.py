import os, sys
from django.conf import settings

settings.configure(
    DEBUG=True, SECRET_KEY='a-secret-of-django', ROOT_URLCONF='views', ALLOWED_HOSTS=['*'], LOGIN_URL='/login',
    INSTALLED_APPS=['django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions'],
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}},
    DEFAULT_AUTO_FIELD='django.db.models.AutoField',
    MIDDLEWARE=[
        'django.contrib.sessions.middleware.SessionMiddleware', 'django.middleware.csrf.CsrfViewMiddleware',
        'django.contrib.auth.middleware.AuthenticationMiddleware',
    ],
)

from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
