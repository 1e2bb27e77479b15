/* oxlint-disable no-unused-vars -- The code of the guide uses them. */
import { randomUUID } from 'node:crypto'
import express from 'express'
import session from 'express-session'
import { SignJWT } from 'jose'

const app = express()
app.use(express.urlencoded(), session({ secret: 'a-secret', resave: false, saveUninitialized: false }))
const database = { async save() {} }

// GUIDE

app.get('/sign-in', (request, response) => {
  request.session.user = '7'
  response.end()
})
app.get('/form', (request, response) => response.send('<form></form>'))
app.listen(Number(process.env.PORT), '127.0.0.1')
