require 'action_controller/railtie'
require 'active_record/railtie'
require 'jwt'
require 'net/http'
require 'sqlite3'

# SIGNALS

class Site < Rails::Application
  config.eager_load = false
  config.secret_key_base = 'a-secret-of-rails' * 4
  config.logger = Logger.new($stdout)
  config.session_store :cookie_store
  config.hosts.clear
  routes.append do
    get '/sign-in', to: 'pages#sign_in'
    get '/form', to: 'pages#form'
    post '/incomes', to: 'pages#create'
    get '/signal-token', to: 'signal_tokens#show'
  end
end

ENV['DATABASE_URL'] = 'sqlite3:site.sqlite3'
Site.initialize!
ActiveRecord::Base.establish_connection
ActiveRecord::Schema.define { create_table(:incomes) { |table| table.integer :amount } }

class Income < ActiveRecord::Base
# CALLBACK
end

class ApplicationController < ActionController::Base
  protect_from_forgery with: :exception

  def current_user
    session[:user] && Struct.new(:id).new(session[:user])
  end

  def authenticate_user!
    head :unauthorized unless current_user
  end
end

# CONTROLLER

class PagesController < ApplicationController
  def sign_in
    session[:user] = 7
    head :ok
  end

  def form
    render html: helpers.tag.input(name: 'authenticity_token', value: form_authenticity_token)
  end

  def create
    Income.create!(amount: params[:amount])
    redirect_to '/form'
  end
end

run Site
