from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.cache import never_cache
import signals

class Income:
    class objects:
        @staticmethod
        def create(amount):
            pass

def sign_in(request):
    login(request, User.objects.get_or_create(pk=7, username='ada')[0])
    return HttpResponse()

def form(request):
    return HttpResponse('<input name="csrfmiddlewaretoken" value="%s">' % get_token(request))

urlpatterns = [
    path('sign-in', sign_in), path('form', form), path('report', form, name='report'),
    path('signal-token', lambda request: signal_token(request)), path('incomes', lambda request: save(request)),
]

