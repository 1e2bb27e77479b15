import { sendSignal } from 'signalpost'
import { saveIncome } from './incomes'
import { connect } from './signals'

connect()

const form = document.querySelector<HTMLFormElement>('#form')
form?.addEventListener('submit', async (event) => {
  event.preventDefault()
  await saveIncome(Number(new FormData(form).get('amount')))
  const { outcome } = await sendSignal('ReportIncome', { userId: 123 })
  document.querySelector('#outcome')?.replaceChildren(outcome)
})
