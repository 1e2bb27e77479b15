import { useSignalStatus } from 'signalpost/solid'

export function ConnectionStatus() {
  const status = useSignalStatus({ grace: 1500 })
  return (
    <footer>
      Connection: <output id="status">{status().state}</output>
    </footer>
  )
}
