import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { IncomeForm } from './IncomeForm'
import { connect } from './signals'

connect()
createRoot(document.querySelector('#page') as Element).render(
  <StrictMode>
    <IncomeForm />
  </StrictMode>,
)
