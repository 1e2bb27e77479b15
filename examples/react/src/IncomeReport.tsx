import { useState } from 'react'
import { useRefresh, useSignal } from 'signalpost/react'
import { ConnectionStatus } from './ConnectionStatus'
import { loadIncomes } from './incomes'

export function IncomeReport() {
  const [incomes, setIncomes] = useState(loadIncomes)
  const [savedBy, setSavedBy] = useState<number>()

  useRefresh('ReportIncome', () => setIncomes(loadIncomes()))
  useSignal('ReportIncome', ({ userId }) => setSavedBy(userId))

  return (
    <>
      <h1>Income report</h1>
      <table>
        <thead>
          <tr>
            <th>Time</th>
            <th>Amount</th>
          </tr>
        </thead>
        <tbody>
          {incomes.map(({ time, amount }, index) => (
            <tr key={index}>
              <td>{time}</td>
              <td>{amount}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p role="status">{savedBy && `User ${savedBy} has just saved something.`}</p>
      <ConnectionStatus />
    </>
  )
}
