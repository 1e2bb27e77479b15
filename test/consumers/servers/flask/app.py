from flask import Flask, abort, redirect, session
from flask import request
from flask_wtf.csrf import CSRFProtect, generate_csrf
import signals

app = Flask(__name__)
app.secret_key = 'a-secret-of-flask'

class database:
    @staticmethod
    def save(amount):
        pass

@app.get('/sign-in')
def sign_in():
    session['user'] = '7'
    return ''

@app.get('/form')
def form():
    return '<input name="csrf_token" value="%s">' % generate_csrf()

