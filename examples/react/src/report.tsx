import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { IncomeReport } from './IncomeReport'
import { connect } from './signals'

connect()
createRoot(document.querySelector('#page') as Element).render(
  <StrictMode>
    <IncomeReport />
  </StrictMode>,
)
